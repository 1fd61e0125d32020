/* Forks for ever. */
#include "hostile.h"
int main(void) {
    for (;;) fork();
}
