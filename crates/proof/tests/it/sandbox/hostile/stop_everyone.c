/* Stops everybody, itself last, so that nobody is left to end it. */
#include "hostile.h"
int main(void) {
    kill(-1, SIGSTOP);
    kill(1, SIGSTOP);
    raise(SIGSTOP);
    return end();
}
