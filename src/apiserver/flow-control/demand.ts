/** Measures the seat demand of a level over time. */

/** Demand during one period. */
export interface PeriodDemand {
  seconds: number;
  average: number;
  deviation: number;
  /** Maximum, a whole number. */
  peak: number;
}

/** Average, deviation and maximum of a number of seats, weighted by time. */
export class DemandMeter {
  #seats = 0;
  #seconds = 0;
  #sum = 0;
  #squares = 0;
  #peak = 0;

  /** Adds time with the current demand. */
  passed(ms: number): void {
    const seconds = ms / 1000;
    this.#seconds += seconds;
    this.#sum += this.#seats * seconds;
    this.#squares += this.#seats * this.#seats * seconds;
  }

  set(seats: number): void {
    this.#seats = seats;
    if (seats > this.#peak) this.#peak = seats;
  }

  /** The period so far; begins the next one. */
  take(): PeriodDemand {
    const average = this.#seconds > 0 ? this.#sum / this.#seconds : 0;
    const variance = this.#seconds > 0 ? this.#squares / this.#seconds - average * average : 0;
    const period = {
      seconds: this.#seconds,
      average,
      deviation: Math.sqrt(Math.max(0, variance)),
      peak: Math.round(this.#peak),
    };
    this.#seconds = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#peak = this.#seats;
    return period;
  }
}

/** Factor by which demand decays per period: to half in five minutes of ten-second periods. */
const decay = 0.977;

/** Smoothed demand: rises at once and decays slowly. */
export class SmoothedDemand {
  average = 0;
  deviation = 0;
  peak = 0;
  smoothed = 0;

  add({ seconds, average, deviation, peak }: PeriodDemand): void {
    this.peak = peak;
    if (seconds <= 0) return;
    this.average = average;
    this.deviation = deviation;
    const envelope = average + deviation;
    this.smoothed = Math.max(envelope, decay * this.smoothed + (1 - decay) * envelope);
  }
}
