/* Makes links to what it may not touch, and goes through them. */
#include "hostile.h"
int main(void) {
    FAILS(link("/etc/passwd", "/box/passwd"));
    FAILS(link("/usr/bin/env", "/box/env"));
    FAILS(link("/hostile/links", "/box/links"));
    FAILS(link("/proc/self/environ", "/box/environ"));
    FAILS(linkat(AT_FDCWD, "/proc/self/exe", AT_FDCWD, "/box/exe", AT_SYMLINK_FOLLOW));
    FAILS(linkat(open("/usr/bin/env", O_RDONLY), "", AT_FDCWD, "/box/env", AT_EMPTY_PATH));
    FAILS(rename("/usr/bin/env", "/box/env"));
    FAILS(rename("/box", "/tmp/box"));
    FAILS(rmdir("/box"));
    FAILS(symlink("/box", "/own"));
    symlink("/usr", "/box/usr");
    symlink("/proc/self/root/etc", "/box/etc");
    symlink("loop", "/box/loop");
    FAILS(open("/box/usr/x", O_CREAT | O_WRONLY, 0600));
    FAILS(open("/box/etc/x", O_CREAT | O_WRONLY, 0600));
    FAILS_WITH(ELOOP, open("/box/loop", O_RDONLY));
    FAILS(open("/proc/self/exe", O_WRONLY));
    FAILS(chmod("/box/usr/bin/env", 0777));
    FAILS(truncate("/box/usr/bin/env", 0));
    close(open("/box/plain", O_CREAT | O_WRONLY, 0600));
    return end();
}
