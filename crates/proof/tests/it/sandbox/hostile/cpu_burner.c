/* Burns the processor on all cores and ignores the kernel's warnings. */
#include "hostile.h"
int main(void) {
    signal(SIGXCPU, SIG_IGN);
    fork();
    fork();
    for (;;) {}
}
