/* Takes the kernel's memory through pipes and sockets filled to the brim. */
#include "hostile.h"
int main(void) {
    static char block[1 << 16];
    int ends[2];
    while (pipe2(ends, O_NONBLOCK) == 0) {
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        while (write(ends[1], block, sizeof block) > 0) {}
    }
    for (int number = 5; number < 15; number++) close(number);
    while (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) == 0) {
        int most = 1 << 30;
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
        while (send(ends[0], block, 4096, 0) > 0) {}
    }
    return end();
}
