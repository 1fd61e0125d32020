/* Makes and enters namespaces. */
#include "hostile.h"
int main(void) {
    int flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    const char *names[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    for (int at = 0; at < 7; at++) {
        char path[32];
        FAILS_WITH(EPERM, unshare(flags[at]));
        FAILS_WITH(EPERM, unshare(flags[at] | CLONE_NEWUSER));
        long child = syscall(SYS_clone, flags[at] | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) _exit(0);
        if (child != -1 || errno != EPERM) printf("hole: clone into a new %s\n", names[at]);
        child = syscall(SYS_clone, flags[at] | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) _exit(0);
        if (child != -1 || errno != EPERM) printf("hole: clone into a new user and %s\n", names[at]);
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[at]);
        FAILS_WITH(EPERM, setns(open(path, O_RDONLY), 0));
    }
    /* The kernel's own structure, with the flag for a new user namespace. */
    uint64_t arguments[11] = {CLONE_NEWUSER};
    FAILS_WITH(ENOSYS, syscall(SYS_clone3, arguments, sizeof arguments));
    uint64_t plain[11] = {0};
    FAILS_WITH(ENOSYS, syscall(SYS_clone3, plain, sizeof plain));
    return end();
}
