/* Types into a terminal of whoever started it. */
#include "hostile.h"
#include <termios.h>
int main(void) {
    for (int number = 0; number < 5; number++) {
        FAILS_WITH(EPERM, ioctl(number, TIOCSTI, "x"));
        FAILS_WITH(EPERM, ioctl(number, TIOCLINUX, "\2"));
        /* The upper half of the request does not count for the kernel either. */
        FAILS_WITH(EPERM, syscall(SYS_ioctl, number, (1UL << 32) | TIOCSTI, "x"));
        FAILS(ioctl(number, TIOCSCTTY, 1));
        FAILS(ioctl(number, TIOCCONS, 0));
    }
    FAILS(open("/dev/tty", O_RDWR));
    FAILS(open("/dev/ptmx", O_RDWR));
    FAILS(open("/dev/console", O_RDWR));
    return end();
}
