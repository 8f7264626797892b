/* Bytes in and out: buffers, fields, frames, files. */
#include "wherry.h"
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

int fail_with(struct error *e, int code, const char *step, const char *detail) {
  e->code = code;
  snprintf(e->step, sizeof e->step, "%s", step);
  snprintf(e->detail, sizeof e->detail, "%s", detail ? detail : "");
  return -1;
}

int fail(struct error *e, const char *step, const char *detail) {
  return fail_with(e, errno, step, detail);
}

void buffer_put(struct buffer *b, const void *data, size_t length) {
  if (b->length + length > b->capacity) {
    size_t capacity = b->capacity ? b->capacity : 512;
    while (capacity < b->length + length) capacity *= 2;
    char *grown = realloc(b->data, capacity);
    if (!grown) _exit(70);
    b->data = grown;
    b->capacity = capacity;
  }
  if (length) memcpy(b->data + b->length, data, length);
  b->length += length;
}

void buffer_free(struct buffer *b) {
  free(b->data);
  *b = (struct buffer){0};
}

void put_field(struct buffer *b, const void *data, uint32_t length) {
  buffer_put(b, &length, 4);
  buffer_put(b, data, length);
  buffer_put(b, "", 1);
}

void put_text(struct buffer *b, const char *text) {
  put_field(b, text, (uint32_t)strlen(text));
}

void put_number(struct buffer *b, long long number) {
  char text[32];
  snprintf(text, sizeof text, "%lld", number);
  put_text(b, text);
}

void put_error(struct buffer *b, const struct error *e) {
  put_text(b, "error");
  put_text(b, e->step);
  put_number(b, e->code);
  put_text(b, e->detail);
}

/* Reads up to `limit` fields (0: to the end); moves `at`. */
static int take_fields(char *data, size_t length, size_t *at, uint32_t limit, struct record *out) {
  uint32_t capacity = limit ? limit : 16;
  if (capacity > length) capacity = (uint32_t)length; /* a field takes five bytes at least */
  out->fields = malloc((capacity ? capacity : 1) * sizeof *out->fields);
  out->count = 0;
  if (!out->fields) return -1;
  while (limit ? out->count < limit : *at < length) {
    uint32_t size;
    if (length - *at < 5) goto malformed;
    memcpy(&size, data + *at, 4);
    if (size > length - *at - 5 || data[*at + 4 + size] != 0) goto malformed;
    if (out->count == capacity) {
      capacity = capacity * 2 + 1;
      struct field *grown = realloc(out->fields, capacity * sizeof *grown);
      if (!grown) return -1;
      out->fields = grown;
    }
    out->fields[out->count++] = (struct field){.data = data + *at + 4, .length = size};
    *at += 5 + (size_t)size;
  }
  return 0;
malformed:
  errno = EBADMSG;
  return -1;
}

int parse_fields(char *data, size_t length, struct record *out) {
  size_t at = 0;
  return take_fields(data, length, &at, 0, out);
}

int parse_plan(char *data, size_t length, struct plan *out) {
  size_t at = 0, capacity = 0;
  *out = (struct plan){0};
  while (at < length) {
    uint32_t count;
    if (length - at < 4) goto malformed;
    memcpy(&count, data + at, 4);
    at += 4;
    if (count == 0 || count > length) goto malformed;
    if (out->count == capacity) {
      capacity = capacity ? capacity * 2 : 64;
      struct record *grown = realloc(out->records, capacity * sizeof *grown);
      if (!grown) return -1;
      out->records = grown;
    }
    if (take_fields(data, length, &at, count, &out->records[out->count]) < 0) return -1;
    out->count++;
  }
  return 0;
malformed:
  errno = EBADMSG;
  return -1;
}

const char *text_of(const struct record *r, uint32_t index) {
  return index < r->count ? r->fields[index].data : "";
}

long long number_of(const struct record *r, uint32_t index) {
  return index < r->count ? strtoll(r->fields[index].data, NULL, 10) : 0;
}

const struct record *find_record(const struct plan *plan, const char *name) {
  for (uint32_t i = 0; i < plan->count; i++)
    if (!strcmp(text_of(&plan->records[i], 0), name)) return &plan->records[i];
  return NULL;
}

int write_all(int fd, const void *data, size_t length) {
  const char *at = data;
  while (length) {
    ssize_t n = write(fd, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    at += n;
    length -= (size_t)n;
  }
  return 0;
}

int read_all(int fd, void *data, size_t length) {
  char *at = data;
  while (length) {
    ssize_t n = read(fd, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) {
      errno = EPIPE;
      return -1;
    }
    at += n;
    length -= (size_t)n;
  }
  return 0;
}

int write_path(int dirfd, const char *path, const char *text) {
  int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -1;
  size_t length = strlen(text);
  ssize_t n = write(fd, text, length); /* kernel files want the whole value in one call */
  int saved = n < 0 ? errno : EIO;
  if (close(fd) < 0 && n >= 0) return -1;
  if (n != (ssize_t)length) {
    errno = saved;
    return -1;
  }
  return 0;
}

ssize_t read_path(const char *path, char *data, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t length = 0;
  while (length < size - 1) {
    ssize_t n = read(fd, data + length, size - 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int saved = errno;
      close(fd);
      errno = saved;
      return -1;
    }
    if (n == 0) break;
    length += (size_t)n;
  }
  close(fd);
  data[length] = 0;
  return (ssize_t)length;
}

int send_frame(int fd, uint32_t type, const void *data, size_t length) {
  uint32_t head[2] = {(uint32_t)length, type};
  if (length <= 1024) { /* one call, so that small frames arrive whole */
    char both[1024 + sizeof head];
    memcpy(both, head, sizeof head);
    if (length) memcpy(both + sizeof head, data, length);
    return write_all(fd, both, sizeof head + length);
  }
  if (write_all(fd, head, sizeof head) < 0) return -1;
  return write_all(fd, data, length);
}

char *receive_frame(int fd, uint32_t *type, size_t *length) {
  uint32_t head[2];
  if (read_all(fd, head, sizeof head) < 0) return NULL;
  if (head[0] > frame_limit) {
    errno = EMSGSIZE;
    return NULL;
  }
  char *data = malloc(head[0] + 1);
  if (!data) return NULL;
  if (read_all(fd, data, head[0]) < 0) {
    free(data);
    return NULL;
  }
  data[head[0]] = 0;
  *length = head[0];
  *type = head[1];
  return data;
}

long long realtime_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}
