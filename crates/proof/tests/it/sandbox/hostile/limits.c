/* Raises its limits and its place in every queue, and lowers those of pid 1. */
#include "hostile.h"
int main(void) {
    for (int kind = 0; kind < 16; kind++) {
        struct rlimit before, after, all = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(kind, &before);
        setrlimit(kind, &all);
        getrlimit(kind, &after);
        if (before.rlim_max != RLIM_INFINITY && after.rlim_max != before.rlim_max) printf("hole: limit %d is raised\n", kind);
        FAILS_WITH(EPERM, syscall(SYS_prlimit64, 1, kind, &before, 0));
    }
    struct sched_param most = {.sched_priority = 1}, idle = {0};
    FAILS(sched_setscheduler(0, SCHED_FIFO, &most));
    FAILS(setpriority(PRIO_PROCESS, 0, -5));
    FAILS(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
    FAILS_WITH(EPERM, sched_setscheduler(1, SCHED_IDLE, &idle));
    FAILS_WITH(EPERM, setpriority(PRIO_PROCESS, 1, 19));
    FAILS_WITH(EPERM, setpriority(PRIO_USER, 0, 19));
    FAILS_WITH(EPERM, syscall(SYS_ioprio_set, 1, 1, 3 << 13));
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    FAILS_WITH(EPERM, sched_setaffinity(1, sizeof one, &one));
    return end();
}
