/* Mounts, remounts, overmounts, and leaves the root by every road. */
#include "hostile.h"
int main(void) {
    FAILS_WITH(EPERM, mount("none", "/box", "tmpfs", 0, 0));
    FAILS_WITH(EPERM, mount("none", "/usr", "tmpfs", 0, 0));
    FAILS_WITH(EPERM, mount("none", "/proc", "proc", 0, 0));
    FAILS_WITH(EPERM, mount("/", "/box", 0, MS_BIND | MS_REC, 0));
    FAILS_WITH(EPERM, mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0));
    FAILS_WITH(EPERM, mount(0, "/box", 0, MS_REMOUNT, "size=100%"));
    FAILS_WITH(EPERM, mount(0, "/", 0, MS_SHARED | MS_REC, 0));
    FAILS_WITH(EPERM, mount("/box", "/usr", 0, MS_MOVE, 0));
    FAILS_WITH(EPERM, umount2("/proc/sys", MNT_DETACH));
    FAILS_WITH(EPERM, umount2("/", MNT_DETACH));
    FAILS_WITH(EPERM, syscall(SYS_pivot_root, "/box", "/box"));
    FAILS_WITH(EPERM, syscall(SYS_pivot_root, ".", "."));
    FAILS_WITH(EPERM, chroot("/box"));
    FAILS_WITH(EPERM, syscall(SYS_fsopen, "tmpfs", 0));
    FAILS_WITH(EPERM, syscall(SYS_fsconfig, 0, 6, 0, 0, 0));
    FAILS_WITH(EPERM, syscall(SYS_fsmount, 0, 0, 0));
    FAILS_WITH(EPERM, syscall(SYS_fspick, AT_FDCWD, "/", 0));
    FAILS_WITH(EPERM, syscall(SYS_open_tree, AT_FDCWD, "/", 1));
    FAILS_WITH(EPERM, syscall(SYS_move_mount, AT_FDCWD, "/box", AT_FDCWD, "/usr", 0));
    FAILS_WITH(EPERM, syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, 0, 0));
    int root = open("/", O_RDONLY | O_DIRECTORY);
    for (int level = 0; level < 100; level++) {
        root = openat(root, "..", O_RDONLY | O_DIRECTORY);
        if (level < 99 && root > 20) close(root - 1);
    }
    struct stat up, here;
    fstat(root, &up);
    stat("/", &here);
    if (up.st_ino != here.st_ino || up.st_dev != here.st_dev) puts("hole: there is something above the root");
    return end();
}
