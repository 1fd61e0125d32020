/* Sends every signal to everybody, to pid 1 first of all, in every way there is. */
#include "hostile.h"
int main(void) {
    signal(SIGCONT, SIG_IGN);
    int init = syscall(SYS_pidfd_open, 1, 0);
    for (int number = 1; number < 65; number++) {
        siginfo_t info = {.si_code = SI_QUEUE};
        kill(1, number);
        kill(-1, number);
        syscall(SYS_tgkill, 1, 1, number);
        syscall(SYS_tkill, 1, number);
        syscall(SYS_rt_sigqueueinfo, 1, number, &info);
        if (init >= 0) syscall(SYS_pidfd_send_signal, init, number, 0, 0);
    }
    return end();
}
