/** How many seats a level could use, looked at over time. */

/** What became of a period. */
export interface PeriodDemand {
  seconds: number;
  average: number;
  deviation: number;
  /** The most at any time, a whole number. */
  peak: number;
}

/** Average, deviation and peak of a number of seats, weighted by time. */
export class DemandMeter {
  #seats = 0;
  #seconds = 0;
  #sum = 0;
  #squares = 0;
  #peak = 0;

  /** The present demand has held for this long. */
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

  /** The period up to now. The next one begins. */
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

/** What is left of a former demand after a period: half of it after five minutes of ten-second periods. */
const decay = 0.977;

/** Demand over periods: it rises at once and falls slowly. */
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
