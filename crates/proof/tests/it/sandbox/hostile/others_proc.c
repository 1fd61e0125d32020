/* Looks for processes beside its own, of this box, of another, of the host. */
#include "hostile.h"
#include <dirent.h>
int main(void) {
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        int number = atoi(entry->d_name);
        if (number > 0 && number != getpid()) printf("hole: process %d\n", number);
    }
    if (getppid() > 1) printf("hole: a parent %d\n", getppid());
    for (int number = 3; number < 40000; number++) {
        if (number != getpid() && kill(number, 0) == 0) printf("hole: process %d can be signalled\n", number);
    }
    return end();
}
