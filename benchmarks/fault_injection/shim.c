/* Fails, tears or kills at one chosen write below a folder; loaded with LD_PRELOAD, so that it sees what Python, numpy,
 * Pillow and torch write, in this process and in all that it starts.
 *
 * Environment, read when a process starts and in every fork:
 *   FAULT_ROOT     folder whose writes count; nothing happens without it
 *   FAULT_LOG      file that gets a line "operation<TAB>path" for each of them
 *   FAULT_PATTERN  glob of the paths whose writes are counted
 *   FAULT_NUMBER   number of the write that fails, from 1
 *   FAULT_KIND     "full": it writes half of its data and has no space, like every later write below the folder;
 *                  "error": it writes half of its data and has an I/O error, once; "kill": half, then SIGKILL
 *   FAULT_SHARED   file of 16 bytes: the number of writes so far, of all processes, and whether it has failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char root[PATH_MAX], log_file[PATH_MAX], pattern[PATH_MAX], kind;
static uint64_t number, *shared; /* shared[0]: writes that matched; shared[1]: whether one has failed */

static void copy(char *to, const char *variable) {
    const char *value = getenv(variable);
    snprintf(to, PATH_MAX, "%s", value ? value : "");
}

static void arm(void) {
    copy(root, "FAULT_ROOT");
    copy(log_file, "FAULT_LOG");
    copy(pattern, "FAULT_PATTERN");
    kind = getenv("FAULT_KIND") ? *getenv("FAULT_KIND") : 0;
    number = getenv("FAULT_NUMBER") ? strtoull(getenv("FAULT_NUMBER"), NULL, 10) : 0;
    shared = NULL;
    if (getenv("FAULT_SHARED")) {
        int handle = syscall(SYS_openat, AT_FDCWD, getenv("FAULT_SHARED"), O_RDWR | O_CLOEXEC);
        void *memory = handle < 0 ? MAP_FAILED : mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
        shared = memory == MAP_FAILED ? NULL : memory;
        syscall(SYS_close, handle);
    }
}

__attribute__((constructor)) static void start(void) {
    arm();
    pthread_atfork(NULL, NULL, arm);
}

static void note(const char *operation, const char *path) {
    char line[2 * PATH_MAX];
    if (!*log_file) return;
    int size = snprintf(line, sizeof line, "%s\t%s\n", operation, path);
    int handle = syscall(SYS_openat, AT_FDCWD, log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    syscall(SYS_write, handle, line, size);
    syscall(SYS_close, handle);
}

/* Whether this write fails; `grows` says that it needs space. Errno is set if so. */
static int fails(const char *operation, const char *path, int grows) {
    size_t length = strlen(root);
    if (!length || strncmp(path, root, length) || path[length] != '/') return 0;
    note(operation, path);
    if (!shared || !kind) return 0;
    int now = fnmatch(pattern, path, FNM_PATHNAME) == 0 && __sync_add_and_fetch(&shared[0], 1) == number;
    if (now) shared[1] = 1;
    if (!now && !(shared[1] && kind == 'f' && grows)) return 0;
    errno = kind == 'f' ? ENOSPC : EIO;
    return 1;
}

static int fails_at(const char *operation, int handle, int grows) {
    char link[40], path[PATH_MAX];
    if (!*root) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return fails(operation, path, grows);
}

/* The absolute path of a name that need not exist, into `path` of 2 * PATH_MAX bytes; 0 if its folder does not. */
static int absolute(const char *name, char *path) {
    char folder[PATH_MAX], resolved[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", name);
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    if (!realpath(slash ? (*folder ? folder : "/") : ".", resolved)) return 0;
    return snprintf(path, 2 * PATH_MAX, "%s/%s", resolved, slash ? slash + 1 : folder);
}

static int fails_named(const char *operation, const char *name, int grows) {
    char path[2 * PATH_MAX];
    return *root && absolute(name, path) && fails(operation, path, grows);
}

static int error(void) {
    if (kind == 'k') kill(getpid(), SIGKILL);
    return -1;
}

ssize_t write(int handle, const void *data, size_t size) {
    int saved = errno;
    if (!fails_at("write", handle, 1)) {
        errno = saved;
        return REAL(write)(handle, data, size);
    }
    saved = errno;
    if (size > 1) REAL(write)(handle, data, size / 2);
    errno = saved;
    return error();
}

ssize_t pwrite64(int handle, const void *data, size_t size, off64_t offset) {
    return fails_at("write", handle, 1) ? error() : REAL(pwrite64)(handle, data, size, offset);
}

ssize_t pwrite(int handle, const void *data, size_t size, off_t offset) {
    return fails_at("write", handle, 1) ? error() : REAL(pwrite)(handle, data, size, offset);
}

ssize_t writev(int handle, const struct iovec *parts, int count) {
    return fails_at("write", handle, 1) ? error() : REAL(writev)(handle, parts, count);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    if (!fails_at("write", fileno(stream), 1)) return REAL(fwrite)(data, size, count, stream);
    int saved = errno;
    REAL(fwrite)(data, size, count / 2, stream);
    fflush(stream);
    errno = saved;
    error();
    return count / 2;
}

int posix_fallocate64(int handle, off64_t offset, off64_t size) {
    if (!fails_at("write", handle, 1)) return REAL(posix_fallocate64)(handle, offset, size);
    error();
    return errno;
}

int posix_fallocate(int handle, off_t offset, off_t size) {
    return posix_fallocate64(handle, offset, size);
}

int ftruncate64(int handle, off64_t size) {
    return fails_at("truncate", handle, 0) ? error() : REAL(ftruncate64)(handle, size);
}

int ftruncate(int handle, off_t size) {
    return ftruncate64(handle, size);
}

int fsync(int handle) {
    return fails_at("sync", handle, 0) ? error() : REAL(fsync)(handle);
}

int rename(const char *from, const char *to) {
    /* The last write of the file under its old name. */
    char path[2 * PATH_MAX];
    if (fails_named("rename", from, 0)) return error();
    if (*root && absolute(to, path)) note("becomes", path);
    return REAL(rename)(from, to);
}

int symlink(const char *target, const char *name) {
    return fails_named("write", name, 1) ? error() : REAL(symlink)(target, name);
}
