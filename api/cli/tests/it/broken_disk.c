// Makes one call that writes fail as on a broken disk. The file that FAULTS_AT
// names says which: six digits, how many calls from now on, and a part of the
// paths that count. The digits are counted down; 000000 fails nothing.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static ssize_t put(int fd, const char *bytes, size_t length) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return real(fd, bytes, length, 0);
}

static int fails(const char *path) {
    const char *at = getenv("FAULTS_AT");
    if (!at) return 0;
    int failed = 0, plan = open(at, O_RDWR | O_CLOEXEC);
    if (plan < 0) return 0;
    pthread_mutex_lock(&turn);
    char text[64] = {0}, digits[16];
    if (pread(plan, text, sizeof text - 1, 0) > 7) {
        text[strcspn(text, "\n")] = 0;
        int left = atoi(text);
        if (left > 0 && strstr(path, text + 7)) {
            snprintf(digits, sizeof digits, "%06d", left - 1);
            failed = put(plan, digits, 6) == 6 && left == 1;
        }
    }
    pthread_mutex_unlock(&turn);
    close(plan);
    if (failed) errno = EIO;
    return failed;
}

static int fails_at(int fd) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return fails(path);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    return fails_at(fd) ? -1 : real(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return fails_at(fd) ? -1 : real(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return fails_at(fd) ? -1 : real(fd, bytes, length, at);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t length, unsigned flags) {
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
    return fails_at(to) ? -1 : real(from, at, to, there, length, flags);
}

int fsync(int fd) {
    REAL(int, fsync, int);
    return fails_at(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    return fails_at(fd) ? -1 : real(fd);
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t);
    return fails_at(fd) ? -1 : real(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t);
    return fails_at(fd) ? -1 : real(fd, length);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return fails(to) ? -1 : real(from, to);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    return fails(path) ? -1 : real(path);
}
