/* Traces and reads others, and lets itself be traced. */
#include "hostile.h"
#include <sys/uio.h>
int main(void) {
    char bytes[8];
    struct iovec own = {bytes, 8}, other = {(void *)main, 8};
    int child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    int targets[] = {1, child, getpid()};
    FAILS_WITH(EPERM, ptrace(PTRACE_TRACEME, 0, 0, 0));
    for (int at = 0; at < 3; at++) {
        FAILS_WITH(EPERM, ptrace(PTRACE_ATTACH, targets[at], 0, 0));
        FAILS_WITH(EPERM, ptrace(PTRACE_SEIZE, targets[at], 0, 0));
        FAILS_WITH(EPERM, process_vm_readv(targets[at], &own, 1, &other, 1, 0));
        FAILS_WITH(EPERM, process_vm_writev(targets[at], &own, 1, &other, 1, 0));
        FAILS_WITH(EPERM, syscall(SYS_kcmp, targets[at], getpid(), 0, 0, 0));
    }
    int handle = syscall(SYS_pidfd_open, child, 0);
    FAILS_WITH(EPERM, syscall(SYS_pidfd_getfd, handle, 1, 0));
    FAILS_WITH(EPERM, syscall(SYS_process_madvise, handle, &own, 1, 4, 0));
    return end();
}
