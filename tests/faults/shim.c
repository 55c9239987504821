/*
 * Counts, fails, cuts short or logs the calls by which a process changes files below one folder.
 *
 * Loaded by LD_PRELOAD. Told by the environment when the process starts (see the table in `__init__.py`), or later by
 * `fault_arm`, so that a loaded parent can fork children cheaply, each with another fault. Programs that the process starts
 * are left alone: what the environment says is taken out of it once it is read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define KILL 0
#define TORN (-1)
#define LASTING 0x10000

static char folder[PATH_MAX]; /* empty: nothing is counted */
static char wanted[32];       /* the call that is counted; empty: all but locks */
static long nth;              /* which of them fails; 0: none */
static int what;              /* KILL, TORN or an errno, with LASTING for all from the nth on */
static long counted;
static int list_to = -1, log_to = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

/* -- where a call goes ---------------------------------------------------------------------------------------------- */

static void path_of(int fd, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
}

/* Takes `.`, `..` and doubled slashes out of an absolute path. */
static void tidy(const char *raw, char *path) {
    size_t n = 0;
    for (const char *at = raw; *at;) {
        while (*at == '/') at++;
        size_t length = strcspn(at, "/");
        if (length == 2 && !strncmp(at, "..", 2)) {
            while (n && path[--n] != '/') {}
        } else if (length && !(length == 1 && *at == '.') && n + length + 2 < PATH_MAX) {
            path[n++] = '/';
            memcpy(path + n, at, length);
            n += length;
        }
        at += length;
    }
    path[n] = 0;
}

static void path_at(int dir, const char *name, char *path) {
    char base[PATH_MAX] = "", raw[2 * PATH_MAX + 2];
    if (name[0] != '/') {
        if (dir == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) base[0] = 0;
        } else {
            path_of(dir, base);
        }
    }
    snprintf(raw, sizeof raw, "%s/%s", base, name);
    tidy(raw, path);
}

static int is_below(const char *path) {
    size_t n = strlen(folder);
    return n && !strncmp(path, folder, n) && (path[n] == '/' || !path[n]);
}

/* -- what becomes of it --------------------------------------------------------------------------------------------- */

static void append(int to, struct iovec *parts, int n) {
    if (REAL(writev)(to, parts, n) < 0) abort();
}

static void list(const char *call, const char *path) {
    struct iovec parts[] = {{(void *)call, strlen(call)}, {" ", 1}, {(void *)path, strlen(path)}, {"\n", 1}};
    append(list_to, parts, 4);
}

/* Whether this call is to fail; where it is to be killed, it does not return, and for TORN the caller must die half way. */
static int due(const char *call, const char *path) {
    int lock = !strcmp(call, "flock") || !strcmp(call, "fcntl");
    if (!is_below(path) || (wanted[0] ? strcmp(call, wanted) != 0 : lock)) return 0;
    if (list_to >= 0) list(call, path);
    long mine = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    if (!nth || mine < nth || (mine > nth && !(what > 0 && what & LASTING))) return 0;
    if (what == KILL) kill(getpid(), SIGKILL);
    return what;
}

static int failed(int due) {
    if (due == TORN) kill(getpid(), SIGKILL); /* a call without data has no half */
    errno = due & ~LASTING;
    return -1;
}

static int is_logged(const char *path) { return log_to >= 0 && is_below(path); }

/* One record: call, path, other path, a number (offset, length or flags), data; each text after its length. */
static void record(const char *call, const char *path, const char *other, int64_t number, const void *data, size_t size) {
    uint32_t lengths[] = {strlen(call), strlen(path), strlen(other), size};
    struct iovec parts[] = {
        {lengths, sizeof lengths}, {&number, sizeof number}, {(void *)call, lengths[0]},
        {(void *)path, lengths[1]}, {(void *)other, lengths[2]}, {(void *)data, size},
    };
    append(log_to, parts, 6);
}

#define KEPT(result, logged, ...) \
    do { \
        int before_ = errno; \
        if ((result) >= 0 && (logged)) record(__VA_ARGS__); \
        errno = before_; \
    } while (0)

/* -- data ----------------------------------------------------------------------------------------------------------- */

static off_t place(int fd) {
    struct stat now;
    if (REAL(fcntl)(fd, F_GETFL) & O_APPEND && !fstat(fd, &now)) return now.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

static ssize_t put(const char *call, int fd, const void *data, size_t size, off_t at) {
    char path[PATH_MAX];
    path_of(fd, path);
    int fault = due(call, path);
    if (fault == TORN) size /= 2;
    else if (fault) return failed(fault);
    int logged = is_logged(path);
    if (logged) pthread_mutex_lock(&turn);
    off_t where = at >= 0 ? at : logged ? place(fd) : 0;
    ssize_t n = at >= 0 ? REAL(pwrite)(fd, data, size, at) : REAL(write)(fd, data, size);
    KEPT(n, logged, call, path, "", where, data, n);
    if (logged) pthread_mutex_unlock(&turn);
    return fault == TORN ? failed(fault) : n;
}

/* The parts are written one by one as far as they go, which a caller has to stand anyway. */
static ssize_t put_parts(const char *call, int fd, const struct iovec *parts, int n, off_t at) {
    char path[PATH_MAX];
    path_of(fd, path);
    if (!is_below(path)) return at < 0 ? REAL(writev)(fd, parts, n) : REAL(pwritev)(fd, parts, n, at);
    size_t size = 0, done = 0;
    for (int i = 0; i < n; i++) size += parts[i].iov_len;
    char *whole = malloc(size ? size : 1);
    if (!whole) abort();
    for (int i = 0; i < n; done += parts[i++].iov_len) memcpy(whole + done, parts[i].iov_base, parts[i].iov_len);
    ssize_t written = put(call, fd, whole, size, at);
    free(whole);
    return written;
}

ssize_t write(int fd, const void *data, size_t size) { return put("write", fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return put("pwrite", fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return put("pwrite", fd, data, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int n) { return put_parts("writev", fd, parts, n, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) { return put_parts("pwritev", fd, parts, n, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int n, off64_t at) { return put_parts("pwritev", fd, parts, n, at); }

ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    char path[PATH_MAX];
    path_of(to, path);
    if (!is_below(path)) return REAL(sendfile)(to, from, at, size);
    size = size < 1 << 16 ? size : 1 << 16;
    char data[1 << 16];
    ssize_t n = at ? pread(from, data, size, *at) : read(from, data, size);
    if (n <= 0) return n;
    n = put("sendfile", to, data, n, -1);
    if (n > 0 && at) *at += n;
    return n;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t size) { return sendfile(to, from, at, size); }

/* -- calls on an open file ------------------------------------------------------------------------------------------ */

#define ON_FILE(shown, fd, number, call) \
    char path[PATH_MAX]; \
    path_of(fd, path); \
    int fault = due(shown, path); \
    if (fault) return failed(fault); \
    int logged = is_logged(path); \
    if (logged) pthread_mutex_lock(&turn); \
    int result = call; \
    KEPT(result, logged, shown, path, "", number, "", 0); \
    if (logged) pthread_mutex_unlock(&turn); \
    return result

int fsync(int fd) { ON_FILE("fsync", fd, 0, REAL(fsync)(fd)); }
int fdatasync(int fd) { ON_FILE("fdatasync", fd, 0, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { ON_FILE("ftruncate", fd, size, REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { ON_FILE("ftruncate", fd, size, REAL(ftruncate64)(fd, size)); }

int flock(int fd, int how) {
    char path[PATH_MAX];
    path_of(fd, path);
    int fault = due("flock", path);
    return fault ? failed(fault) : REAL(flock)(fd, how);
}

static int control(int fd, int command, void *argument) {
    if (command == F_SETLK || command == F_SETLKW) {
        char path[PATH_MAX];
        path_of(fd, path);
        int fault = due("fcntl", path);
        if (fault) return failed(fault);
    }
    return REAL(fcntl)(fd, command, argument);
}

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return control(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return control(fd, command, argument);
}

/* -- calls by name -------------------------------------------------------------------------------------------------- */

#define BY_NAME(shown, dir, name, number, call) \
    char path[PATH_MAX]; \
    path_at(dir, name, path); \
    int fault = due(shown, path); \
    if (fault) return failed(fault); \
    int logged = is_logged(path); \
    if (logged) pthread_mutex_lock(&turn); \
    int result = call; \
    KEPT(result, logged, shown, path, "", number, "", 0); \
    if (logged) pthread_mutex_unlock(&turn); \
    return result

static int open_at(int dir, const char *name, int flags, mode_t mode) {
    if (!(flags & (O_CREAT | O_TRUNC))) return REAL(openat)(dir, name, flags, mode);
    BY_NAME("open", dir, name, flags, REAL(openat)(dir, name, flags, mode));
}

#define OPENS(name, dir, at, ...) \
    int name(__VA_ARGS__, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return open_at(dir, at, flags, mode); \
    }

OPENS(open, AT_FDCWD, name, const char *name)
OPENS(open64, AT_FDCWD, name, const char *name)
OPENS(openat, dir, name, int dir, const char *name)
OPENS(openat64, dir, name, int dir, const char *name)

int mkdir(const char *name, mode_t mode) { BY_NAME("mkdir", AT_FDCWD, name, mode, REAL(mkdir)(name, mode)); }
int mkdirat(int dir, const char *name, mode_t mode) { BY_NAME("mkdir", dir, name, mode, REAL(mkdirat)(dir, name, mode)); }
int rmdir(const char *name) { BY_NAME("rmdir", AT_FDCWD, name, 0, REAL(rmdir)(name)); }
int unlink(const char *name) { BY_NAME("unlink", AT_FDCWD, name, 0, REAL(unlink)(name)); }
int unlinkat(int dir, const char *name, int flags) {
    BY_NAME(flags & AT_REMOVEDIR ? "rmdir" : "unlink", dir, name, 0, REAL(unlinkat)(dir, name, flags));
}

/* -- calls by two names --------------------------------------------------------------------------------------------- */

#define BY_NAMES(shown, from_dir, from, to_dir, to, number, call) \
    char first[PATH_MAX], second[PATH_MAX]; \
    path_at(from_dir, from, first); \
    path_at(to_dir, to, second); \
    int fault = due(shown, is_below(second) ? second : first); \
    if (fault) return failed(fault); \
    int logged = is_logged(first) || is_logged(second); \
    if (logged) pthread_mutex_lock(&turn); \
    int result = call; \
    KEPT(result, logged, shown, first, second, number, "", 0); \
    if (logged) pthread_mutex_unlock(&turn); \
    return result

int rename(const char *from, const char *to) {
    BY_NAMES("rename", AT_FDCWD, from, AT_FDCWD, to, 0, REAL(rename)(from, to));
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    BY_NAMES("rename", from_dir, from, to_dir, to, 0, REAL(renameat)(from_dir, from, to_dir, to));
}
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    BY_NAMES("rename", from_dir, from, to_dir, to, flags, REAL(renameat2)(from_dir, from, to_dir, to, flags));
}
int link(const char *from, const char *to) { BY_NAMES("link", AT_FDCWD, from, AT_FDCWD, to, 0, REAL(link)(from, to)); }
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    BY_NAMES("link", from_dir, from, to_dir, to, 0, REAL(linkat)(from_dir, from, to_dir, to, flags));
}
int symlink(const char *from, const char *to) {
    BY_NAMES("symlink", AT_FDCWD, from, AT_FDCWD, to, 0, REAL(symlink)(from, to));
}

/* -- what is asked for ---------------------------------------------------------------------------------------------- */

/* The `number`th call named `call` (NULL or empty: any but locks) below `below` fails: KILL, TORN or an errno. */
void fault_arm(const char *below, const char *call, long number, int how) {
    char found[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", below && realpath(below, found) ? found : below ? below : "");
    snprintf(wanted, sizeof wanted, "%s", call ? call : "");
    nth = number, what = how, counted = 0;
}

void fault_disarm(void) { folder[0] = 0; }

long fault_count(void) { return counted; }

static int file(const char *path) {
    return path ? REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
}

/* From here on, what is done below the folder is logged to a file. */
void fault_log(const char *path) { log_to = file(path); }

static const char *taken(const char *name) {
    const char *value = getenv(name);
    const char *copy = value && *value ? strdup(value) : NULL;
    unsetenv(name);
    return copy;
}

__attribute__((constructor)) static void told(void) {
    const char *below = taken("SPARQ_FAULT_FOLDER"), *call = taken("SPARQ_FAULT_CALL");
    const char *number = taken("SPARQ_FAULT_NTH"), *how = taken("SPARQ_FAULT_WHAT");
    if (below) fault_arm(below, call, number ? atol(number) : 0, how ? atoi(how) : KILL);
    list_to = file(taken("SPARQ_FAULT_LIST"));
    log_to = file(taken("SPARQ_FAULT_LOG"));
}
