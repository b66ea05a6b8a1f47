/* What the libraries expect of a system and WASI's C and C++ libraries do not declare. Included before every one of
 * their sources, none of which is changed. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif
int mkstemp(char *pattern);
char *realpath(const char *path, char *resolved);
int system(const char *command);
FILE *tmpfile(void);
#ifdef __cplusplus
}

#include <istream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

namespace std {

/* An engine is one thread. */
struct mutex {
  void lock() {}
  bool try_lock() { return true; }
  void unlock() {}
};

/* Runs what it is given at once. */
class thread {
public:
  thread() = default;
  template <class Function, class... Arguments>
  explicit thread(Function &&function, Arguments &&...arguments) {
    function(static_cast<Arguments &&>(arguments)...);
  }
  bool joinable() const { return false; }
  void join() {}
  void detach() {}
};

namespace this_thread {
inline void yield() {}
} // namespace this_thread

/* There is no file. */
class no_ifstream : public istringstream {
public:
  explicit no_ifstream(const char *, openmode = in) { setstate(failbit); }
  explicit no_ifstream(const string &, openmode = in) { setstate(failbit); }
  bool is_open() const { return false; }
  void close() {}
};

} // namespace std
#define ifstream no_ifstream
#endif
