/* Dies with a core, after everything that might feed one to a program of the host. */
#include "hostile.h"
int main(void) {
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, none = {0, 0}, now;
    setrlimit(RLIMIT_CORE, &all);
    setrlimit(RLIMIT_CORE, &none);
    getrlimit(RLIMIT_CORE, &now);
    if (now.rlim_cur != 1 || now.rlim_max != 1) puts("hole: the limit on cores moved");
    prctl(PR_SET_DUMPABLE, 1);
    FAILS(open("/proc/sys/kernel/core_pattern", O_WRONLY));
    puts("end");
    fflush(stdout);
    abort();
}
