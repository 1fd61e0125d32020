/* Becomes somebody else, takes capabilities, gives files away. */
#include "hostile.h"
#include <linux/capability.h>
int main(void) {
    int others[] = {0, 1, 1000, 65534};
    for (int at = 0; at < 4; at++) {
        int other = others[at];
        FAILS(setuid(other));
        FAILS(setgid(other));
        FAILS(setresuid(-1, other, -1));
        FAILS(setresgid(-1, other, -1));
        FAILS(setgroups(1, (gid_t *)&other));
        close(open("/box/mine", O_CREAT | O_WRONLY, 0600));
        FAILS(chown("/box/mine", other, -1));
        FAILS(chown("/box/mine", -1, other));
        setfsuid(other);
        if (setfsuid(-1) == other) printf("hole: files are opened as user %d\n", other);
    }
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    FAILS_WITH(EPERM, syscall(SYS_capset, &head, all));
    FAILS_WITH(EPERM, prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    FAILS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
    FAILS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    FAILS(open("/etc/shadow", O_RDONLY));
    FAILS(open("/root", O_RDONLY));
    FAILS(open("/home", O_RDONLY));
    return end();
}
