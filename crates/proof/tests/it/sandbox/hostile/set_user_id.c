/* Has root's set-user-id and set-group-id bits on its own file. */
#include "hostile.h"
int main(void) {
    struct stat own;
    if (stat("/proc/self/exe", &own) == 0 && !(own.st_mode & S_ISUID)) puts("odd: the bit is not there");
    if (geteuid() != getuid() || geteuid() == 0 || getegid() != getgid() || getegid() == 0) puts("hole: the bit counts");
    return end();
}
