/* Leaves things behind that are to go off once it is gone: daemons, stopped children, timers, alarms. */
#include "hostile.h"
int main(void) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int number = 0; number < 4; number++) {
        if (fork() != 0) continue;
        for (int one = 1; one < 65; one++) signal(one, SIG_IGN);
        setsid();
        if (fork() != 0) _exit(0);
        if (number == 3) raise(SIGSTOP);
        usleep(300000);
        for (;;) {
            printf("late\n");
            fflush(stdout);
            close(open("/box/late", O_CREAT | O_WRONLY, 0600));
            usleep(1000);
        }
    }
    return end();
}
