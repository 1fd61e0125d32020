/* Makes and opens devices. */
#include "hostile.h"
#include <sys/sysmacros.h>
int main(void) {
    int numbers[][2] = {{1, 1}, {1, 2}, {1, 4}, {1, 11}, {5, 0}, {5, 2}, {8, 0}, {10, 229}, {10, 232}, {10, 200}, {254, 0}};
    for (unsigned at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        dev_t device = makedev(numbers[at][0], numbers[at][1]);
        FAILS(mknod("/box/character", S_IFCHR | 0600, device));
        FAILS(mknod("/box/block", S_IFBLK | 0600, device));
    }
    const char *names[] = {"mem", "kmem", "port", "kmsg", "kvm", "fuse", "net/tun", "vhost-vsock", "vda", "sda", "loop0",
                           "loop-control", "mapper/control", "ptmx", "tty", "console", "hpet", "rtc0", "userfaultfd"};
    for (unsigned at = 0; at < sizeof names / sizeof *names; at++) {
        char path[64];
        snprintf(path, sizeof path, "/dev/%s", names[at]);
        if (open(path, O_RDONLY) >= 0 || open(path, O_WRONLY) >= 0) printf("hole: %s\n", path);
    }
    return end();
}
