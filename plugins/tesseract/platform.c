/* Functions of a system, as they answer where there is none. */
#include "platform.h"

int mkstemp(char *pattern) {
  (void)pattern;
  return -1;
}

char *realpath(const char *path, char *resolved) {
  (void)path;
  (void)resolved;
  return NULL;
}

int system(const char *command) {
  (void)command;
  return -1;
}

FILE *tmpfile(void) { return NULL; }
