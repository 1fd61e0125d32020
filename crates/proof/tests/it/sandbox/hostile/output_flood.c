/* Says more than anybody can listen to, on both streams. */
#include "hostile.h"
int main(void) {
    static char block[1 << 16];
    for (;;) {
        if (write(1, block, sizeof block) < 0 && write(2, block, sizeof block) < 0) return 0;
        write(2, block, sizeof block);
    }
}
