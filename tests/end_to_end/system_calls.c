/* Records the system calls by which a program changes files, and lets some of them
 * fail. system_calls.rs compiles it and preloads it (LD_PRELOAD).
 *
 * RECORD_UNDER   only files below this folder count; it has no links in its path
 * RECORD_TO      the file that gets a line for each call that succeeded; the bytes of
 *                a write follow their line
 * FAIL_BLOCK     writes with O_DIRECT fail with EINVAL unless offset and length are
 *                multiples of this number
 * FAIL_FLUSH     the number of the error with which each fsync of a folder fails
 * NO_LINKS       if set, no file gets a second name (EPERM), as on FAT
 * FAIL_FLOCK     the number of the error with which each flock fails
 * FAIL_READ      each read of a file fails with EIO whose path has this part
 * DELAY_WRITE    each write to a temporary file takes so many milliseconds more
 * FREE_BYTES     the free bytes of each file system, in blocks of 4096; no inode is free
 *                beyond FREE_FILES, if that is set
 * KEEP_REMOVED   if set, a file that is removed while it is open keeps a name, as on NFS
 *
 * A call and its line are one step: the order of the lines is that of the calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LONGEST (2 * PATH_MAX)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static const char *under = "";
static long fail_block;
static int fail_flush;
static int fail_flock;
static const char *fail_read;
static int delay_write;
static const char *free_bytes, *free_files;
static int keep_removed, no_links;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("RECORD_UNDER");
    if (text) under = text;
    if ((text = getenv("FAIL_BLOCK"))) fail_block = atol(text);
    if ((text = getenv("FAIL_FLUSH"))) fail_flush = atoi(text);
    if ((text = getenv("FAIL_FLOCK"))) fail_flock = atoi(text);
    if ((text = getenv("DELAY_WRITE"))) delay_write = atoi(text);
    fail_read = getenv("FAIL_READ");
    free_bytes = getenv("FREE_BYTES");
    free_files = getenv("FREE_FILES");
    keep_removed = getenv("KEEP_REMOVED") != NULL;
    no_links = getenv("NO_LINKS") != NULL;
    if ((text = getenv("RECORD_TO"))) {
        int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        int file = syscall(SYS_openat, AT_FDCWD, text, flags, 0600);
        record = fcntl(file, F_DUPFD_CLOEXEC, 200);
        close(file);
    }
}

/* Returns the part of an absolute path below the folder; NULL elsewhere. */
static const char *inside(const char *path) {
    size_t length = strlen(under);
    if (!length || strncmp(path, under, length)) return NULL;
    if (path[length] == '/') return path + length + 1;
    return path[length] ? NULL : path + length;
}

static const char *of_file(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, LONGEST - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return inside(path);
}

static const char *of_name(int folder, const char *name, char *path) {
    if (name[0] == '/') {
        snprintf(path, LONGEST, "%s", name);
        return inside(path);
    }
    char base[LONGEST];
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return NULL;
    } else {
        of_file(folder, base);
    }
    while (!strncmp(name, "./", 2)) name += 2;
    if (!strcmp(name, ".")) name = "";
    if (snprintf(path, LONGEST, "%s%s%s", base, *name ? "/" : "", name) >= LONGEST) abort();
    return inside(path);
}

static void put(const void *bytes, size_t length) {
    for (const char *at = bytes; length;) {
        long done = syscall(SYS_write, record, at, length);
        if (done <= 0) abort();
        at += done, length -= done;
    }
}

static void line(const char *format, ...) {
    if (record < 0) return;
    char text[2 * LONGEST];
    int error = errno;
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (length < 0 || length >= (int)sizeof text) abort();
    put(text, length);
    errno = error;
}

static int fail(const char *key, int error) {
    pthread_mutex_lock(&mutex);
    line("fail %s\n", key);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return -1;
}

int openat(int folder, const char *name, int flags, ...) {
    va_list values;
    va_start(values, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(values, mode_t) : 0;
    va_end(values);
    char path[LONGEST];
    const char *key = flags & (O_CREAT | O_TRUNC) ? of_name(folder, name, path) : NULL;
    if (!key) return syscall(SYS_openat, folder, name, flags, mode);
    pthread_mutex_lock(&mutex);
    struct stat found;
    int existed = !fstatat(folder, name, &found, 0);
    int file = syscall(SYS_openat, folder, name, flags, mode);
    if (file >= 0 && !existed) line("create %s\n", key);
    if (file >= 0 && existed && flags & O_TRUNC) line("length 0 %s\n", key);
    pthread_mutex_unlock(&mutex);
    return file;
}

#define OPEN(NAME) \
    int NAME(const char *name, int flags, ...) { \
        va_list values; \
        va_start(values, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(values, mode_t) : 0; \
        va_end(values); \
        return openat(AT_FDCWD, name, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int openat64(int folder, const char *name, int flags, ...) {
    va_list values;
    va_start(values, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(values, mode_t) : 0;
    va_end(values);
    return openat(folder, name, flags, mode);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    char path[LONGEST];
    const char *key = of_file(file, path);
    if (!key) return syscall(SYS_pwrite64, file, bytes, length, offset);
    if (delay_write && strstr(key, "object-")) usleep(delay_write * 1000);
    if (fail_block && fcntl(file, F_GETFL) & O_DIRECT
        && (length % fail_block || offset % fail_block)) {
        return fail(key, EINVAL);
    }
    pthread_mutex_lock(&mutex);
    ssize_t done = syscall(SYS_pwrite64, file, bytes, length, offset);
    if (done > 0) {
        line("write %lld %zd %s\n", (long long)offset, done, key);
        if (record >= 0) put(bytes, done);
    }
    pthread_mutex_unlock(&mutex);
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    return pwrite64(file, bytes, length, offset);
}

ssize_t write(int file, const void *bytes, size_t length) {
    char path[LONGEST];
    if (!of_file(file, path)) return syscall(SYS_write, file, bytes, length);
    off64_t offset = lseek64(file, 0, SEEK_CUR);
    ssize_t done = pwrite64(file, bytes, length, offset);
    if (done > 0) lseek64(file, offset + done, SEEK_SET);
    return done;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    char path[LONGEST];
    if (!of_file(file, path)) return syscall(SYS_writev, file, parts, count);
    return count ? write(file, parts[0].iov_base, parts[0].iov_len) : 0;
}

int ftruncate64(int file, off64_t length) {
    char path[LONGEST];
    const char *key = of_file(file, path);
    pthread_mutex_lock(&mutex);
    int result = syscall(SYS_ftruncate, file, length);
    if (!result && key) line("length %lld %s\n", (long long)length, key);
    pthread_mutex_unlock(&mutex);
    return result;
}

int ftruncate(int file, off_t length) {
    return ftruncate64(file, length);
}

static int flush(long call, int file) {
    char path[LONGEST];
    const char *key = of_file(file, path);
    struct stat found;
    if (key && fail_flush && !fstat(file, &found) && S_ISDIR(found.st_mode)) {
        return fail(key, fail_flush);
    }
    pthread_mutex_lock(&mutex);
    int result = syscall(call, file);
    if (!result && key) line("flush %s\n", key);
    pthread_mutex_unlock(&mutex);
    return result;
}

int fsync(int file) {
    return flush(SYS_fsync, file);
}

int fdatasync(int file) {
    return flush(SYS_fdatasync, file);
}

int flock(int file, int operation) {
    char path[LONGEST];
    const char *key = of_file(file, path);
    if (key && fail_flock) return fail(key, fail_flock);
    return syscall(SYS_flock, file, operation);
}

ssize_t read(int file, void *bytes, size_t length) {
    char path[LONGEST];
    const char *key = fail_read ? of_file(file, path) : NULL;
    if (key && strstr(key, fail_read)) return fail(key, EIO);
    return syscall(SYS_read, file, bytes, length);
}

int statvfs(const char *name, struct statvfs *found) {
    static int (*real)(const char *, struct statvfs *);
    if (!real) real = dlsym(RTLD_NEXT, "statvfs");
    int result = real(name, found);
    if (result) return result;
    if (free_bytes) found->f_frsize = 4096, found->f_bavail = atoll(free_bytes) / 4096;
    if (free_files) found->f_files = 1000, found->f_favail = atoll(free_files);
    return 0;
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    char old_path[LONGEST], new_path[LONGEST];
    const char *old_key = of_name(from, old, old_path), *new_key = of_name(to, new, new_path);
    pthread_mutex_lock(&mutex);
    int result = syscall(SYS_renameat2, from, old, to, new, flags);
    if (!result && old_key && new_key) line("rename %s\t%s\n", old_key, new_key);
    pthread_mutex_unlock(&mutex);
    return result;
}

int renameat(int from, const char *old, int to, const char *new) {
    return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new) {
    return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
    char old_path[LONGEST], new_path[LONGEST];
    const char *old_key = of_name(from, old, old_path), *new_key = of_name(to, new, new_path);
    if (no_links && new_key) {
        errno = EPERM;
        return -1;
    }
    pthread_mutex_lock(&mutex);
    int result = syscall(SYS_linkat, from, old, to, new, flags);
    if (!result && old_key && new_key) line("link %s\t%s\n", old_key, new_key);
    pthread_mutex_unlock(&mutex);
    return result;
}

int link(const char *old, const char *new) {
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[LONGEST];
    const char *key = of_name(folder, name, path);
    pthread_mutex_lock(&mutex);
    int result = syscall(SYS_mkdirat, folder, name, mode);
    if (!result && key) line("mkdir %s\n", key);
    pthread_mutex_unlock(&mutex);
    return result;
}

int mkdir(const char *name, mode_t mode) {
    return mkdirat(AT_FDCWD, name, mode);
}

static int is_open(const char *path) {
    for (int file = 0; file < 256; file++) {
        char opened[LONGEST];
        if (of_file(file, opened) && !strcmp(opened, path)) return 1;
    }
    return 0;
}

int unlinkat(int folder, const char *name, int flags) {
    char path[LONGEST];
    const char *key = of_name(folder, name, path);
    if (keep_removed && key && !(flags & AT_REMOVEDIR) && is_open(path)) {
        static int kept;
        char other[LONGEST + 32];
        int length = strrchr(path, '/') - path;
        snprintf(other, sizeof other, "%.*s/.nfs%08d", length, path, ++kept);
        return renameat2(AT_FDCWD, path, AT_FDCWD, other, 0);
    }
    pthread_mutex_lock(&mutex);
    int result = syscall(SYS_unlinkat, folder, name, flags);
    if (!result && key) line("unlink %s\n", key);
    pthread_mutex_unlock(&mutex);
    return result;
}

int unlink(const char *name) {
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name) {
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}
