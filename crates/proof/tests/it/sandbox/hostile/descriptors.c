/* Writes to everything it may have inherited, then takes its own streams apart. */
#include "hostile.h"
int main(void) {
    for (int number = 5; number < 70000; number++) {
        if (fcntl(number, F_GETFD) != -1 || write(number, "x", 1) != -1) printf("hole: descriptor %d\n", number);
    }
    for (int number = 0; number < 5; number++) {
        struct stat meta;
        if (fstat(number, &meta) != 0) printf("odd: no descriptor %d\n", number);
        else if (number == 0 ? !S_ISCHR(meta.st_mode) : !S_ISFIFO(meta.st_mode)) printf("hole: what is %d?\n", number);
        /* Neither the parent's end of a pipe nor its flags are ours. */
        if (number == 3 && write(number, "x", 1) != -1) puts("hole: the input can be written");
    }
    puts("end");
    fflush(stdout);
    dup2(4, 1);
    dup2(3, 4);
    for (int number = 0; number < 5; number++) close(number);
    for (int number = 0; number < 5; number++) open("/dev/full", O_RDWR);
    return write(1, "x", 1) == 1;
}
