/* What all hostile programs share. A program prints a line for everything it got and should not have, then "end". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

/* The call must fail, for whatever reason. */
#define FAILS(call)                                                     \
    do {                                                                \
        errno = 0;                                                      \
        if ((long)(call) != -1) printf("hole: %s\n", #call);            \
    } while (0)

/* The call must fail for exactly this reason. */
#define FAILS_WITH(reason, call)                                        \
    do {                                                                \
        errno = 0;                                                      \
        if ((long)(call) != -1) printf("hole: %s\n", #call);            \
        else if (errno != (reason)) printf("odd: %s: %s\n", #call, strerror(errno)); \
    } while (0)

static inline int end(void) {
    puts("end");
    return 0;
}
