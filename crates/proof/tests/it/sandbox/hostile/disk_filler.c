/* Writes until the disk is full. */
#include "hostile.h"
int main(void) {
    static char block[1 << 16];
    char name[32];
    for (int number = 0;; number++) {
        snprintf(name, sizeof name, "/tmp/%d", number);
        int file = open(name, O_CREAT | O_WRONLY, 0600);
        if (file < 0) return end();
        for (int part = 0; part < 16; part++) {
            if (write(file, block, sizeof block) < (long)sizeof block) return end();
        }
        close(file);
    }
}
