/* Knocks at the parts of the kernel that are large, young or only for the machine's owner. */
#include "hostile.h"
#define REFUSED(call, ...) FAILS_WITH(EPERM, syscall(SYS_##call, __VA_ARGS__))
#define ABSENT(call, ...) FAILS_WITH(ENOSYS, syscall(SYS_##call, __VA_ARGS__))
int main(void) {
    static char zero[256];
    REFUSED(bpf, 0, zero, 64);
    REFUSED(bpf, 5, zero, 128);
    REFUSED(io_uring_setup, 8, zero);
    REFUSED(io_uring_enter, 0, 1, 0, 0, 0);
    REFUSED(io_uring_register, 0, 0, 0, 0);
    REFUSED(perf_event_open, zero, 0, -1, -1, 0);
    REFUSED(userfaultfd, 0);
    REFUSED(userfaultfd, 1);
    REFUSED(fanotify_init, 0, 0);
    REFUSED(add_key, "user", "x", "y", 1, -3);
    REFUSED(request_key, "user", "x", 0, -3);
    REFUSED(keyctl, 0, -3, 1);
    REFUSED(keyctl, 6, -4);
    REFUSED(keyctl, 10, -5, -3);
    REFUSED(open_by_handle_at, AT_FDCWD, zero, 0);
    REFUSED(name_to_handle_at, AT_FDCWD, "/", zero, zero, 0);
    REFUSED(shmget, 0, 4096, 01600);
    REFUSED(semget, 0, 1, 01600);
    REFUSED(msgget, 0, 01600);
    REFUSED(mq_open, "x", O_CREAT | O_RDWR, 0600, 0);
    REFUSED(kexec_load, 0, 0, 0, 0);
    REFUSED(init_module, zero, 64, "");
    REFUSED(finit_module, 0, "", 0);
    REFUSED(delete_module, "x", 0);
    REFUSED(reboot, 0xfee1dead, 672274793, 0, 0);
    REFUSED(swapon, "/box/x", 0);
    REFUSED(acct, 0);
    REFUSED(quotactl, 0, 0, 0, 0);
    REFUSED(syslog, 3, zero, 200);
    REFUSED(vhangup, 0);
    REFUSED(settimeofday, zero, 0);
    REFUSED(clock_settime, 0, zero);
    REFUSED(clock_adjtime, 0, zero);
    REFUSED(adjtimex, zero);
    REFUSED(sethostname, "x", 1);
    REFUSED(setdomainname, "x", 1);
    REFUSED(mbind, 0, 0, 0, 0, 0, 0);
    REFUSED(set_mempolicy, 0, 0, 0);
    REFUSED(migrate_pages, 0, 0, 0, 0);
    REFUSED(move_pages, 0, 0, 0, 0, 0, 0);
    ABSENT(vmsplice, 1, 0, 0, 0);
    ABSENT(tee, 0, 1, 1, 0);
    ABSENT(io_setup, 1, zero);
    ABSENT(sync, 0);
    ABSENT(shmat, 0, 0, 0);
    ABSENT(remap_file_pages, 0, 0, 0, 0, 0);
    /* A number of a kernel to come. */
    FAILS_WITH(ENOSYS, syscall(700, 0));
    return end();
}
