/* Ours, to show which symbol each place is in: what stands behind the at sign. */
#include <stdlib.h>
static int limit = 3; // @
#define CLAMP(a) \
    ((a) > 3 ? 3 : (a))
struct shelf {
    int size; // @ shelf
};
static int take(struct shelf *s, int at) // @ take
{
    if (at >= s->size) {
        return -1; // @ take
    }
    return limit; // @ take
}
char *name_of(const struct shelf *s)
{
    return malloc((size_t)s->size); // @ name_of
}
int (*chosen(int which))(struct shelf *, int)
{
    return which ? take : 0; // @ chosen
}
