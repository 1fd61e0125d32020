/* Hands itself more words than a program may have, then as many as it may. */
#include "hostile.h"
int main(int count, char **words) {
    if (count > 2) return end();
    enum { WORDS = 200000 };
    static char *many[WORDS + 1];
    static char large[1 << 18];
    memset(large, 'x', sizeof large - 1);
    for (int at = 0; at < WORDS; at++) many[at] = large;
    FAILS_WITH(E2BIG, execv(words[0], many));
    FAILS_WITH(E2BIG, execve(words[0], words, many));
    for (int at = 0; at < WORDS; at++) many[at] = at < 1000 ? "word" : 0;
    execv(words[0], many);
    return 1;
}
