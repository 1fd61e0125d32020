/* Writes the kernel's settings and its own standing in /proc. */
#include "hostile.h"
static void must_not(const char *path, const char *text) {
    int file = open(path, O_WRONLY);
    if (file >= 0 && write(file, text, strlen(text)) >= 0) printf("hole: %s\n", path);
    if (file >= 0) close(file);
}
int main(void) {
    must_not("/proc/sys/kernel/core_pattern", "|/box/x");
    must_not("/proc/sys/kernel/hostname", "x");
    must_not("/proc/sys/kernel/randomize_va_space", "0");
    must_not("/proc/sys/vm/drop_caches", "3");
    must_not("/proc/sys/vm/overcommit_memory", "1");
    must_not("/proc/sys/net/ipv4/ip_forward", "1");
    must_not("/proc/sys/user/max_user_namespaces", "0");
    must_not("/proc/sysrq-trigger", "c");
    must_not("/proc/self/oom_score_adj", "-1000");
    must_not("/proc/self/oom_adj", "-17");
    must_not("/proc/self/uid_map", "0 0 1");
    must_not("/proc/self/gid_map", "0 0 1");
    must_not("/proc/self/setgroups", "allow");
    must_not("/proc/self/loginuid", "0");
    must_not("/proc/self/attr/current", "x");
    must_not("/proc/self/attr/exec", "x");
    must_not("/proc/kcore", "x");
    FAILS(open("/sys/kernel", O_RDONLY));
    FAILS(open("/sys/fs/cgroup", O_RDONLY));
    return end();
}
