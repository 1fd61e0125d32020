/* Reads and writes pid 1 through /proc. */
#include "hostile.h"
int main(void) {
    const char *names[] = {"",        "/mem",     "/maps",   "/environ",      "/root",    "/cwd",      "/exe",
                           "/fd",     "/fdinfo",  "/ns/mnt", "/ns/user",      "/status",  "/stat",     "/cmdline",
                           "/auxv",   "/stack",   "/wchan",  "/syscall",      "/task/1",  "/map_files", "/root/etc/shadow",
                           "/cgroup", "/uid_map", "/limits", "/oom_score_adj"};
    for (unsigned at = 0; at < sizeof names / sizeof *names; at++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/1%s", names[at]);
        /* That there is a pid 1 is no secret, and is all that a path to its folder gives. */
        int seen = *names[at] ? open(path, O_PATH) : -1;
        if (open(path, O_RDONLY) >= 0 || open(path, O_RDWR) >= 0 || seen >= 0) printf("hole: %s\n", path);
    }
    return end();
}
