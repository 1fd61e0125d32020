/* Reads far more of the system's files than it may have memory: what the kernel keeps of them is given back. */
#include "hostile.h"
#include <ftw.h>
static long left = 200 << 20;
static int take(const char *path, const struct stat *meta, int kind, struct FTW *place) {
    (void)place;
    static char block[1 << 20];
    if (kind != FTW_F || !S_ISREG(meta->st_mode)) return 0;
    int file = open(path, O_RDONLY);
    if (file < 0) return 0;
    for (long count; left > 0 && (count = read(file, block, sizeof block)) > 0;) left -= count;
    close(file);
    return left <= 0;
}
int main(void) {
    nftw("/usr/lib", take, 16, FTW_PHYS);
    return end();
}
