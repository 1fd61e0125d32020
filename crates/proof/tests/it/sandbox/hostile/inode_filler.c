/* Makes names until there are none left: files, folders, pipes, links. */
#include "hostile.h"
int main(void) {
    char name[32];
    for (int number = 0;; number++) {
        snprintf(name, sizeof name, "/box/%d", number);
        int made = number % 4 == 0   ? mkdir(name, 0700)
                   : number % 4 == 1 ? mknod(name, S_IFIFO | 0600, 0)
                   : number % 4 == 2 ? symlink("/", name)
                                     : mknod(name, S_IFREG | 0600, 0);
        if (made != 0) return end();
    }
}
