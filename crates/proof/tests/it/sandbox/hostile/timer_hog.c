/* Makes timers, watches and queued signals until it is refused. */
#include "hostile.h"
#include <sys/inotify.h>
int main(void) {
    timer_t timer;
    int timers = 0, signals = 0;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    sigset_t blocked;
    sigfillset(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, 0);
    while (timers < 1000000 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) timers++;
    while (signals < 1000000 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 0}) == 0) signals++;
    if (timers + signals > 200) printf("hole: %d timers, %d signals\n", timers, signals);
    return end();
}
