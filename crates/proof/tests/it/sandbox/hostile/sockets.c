/* Makes sockets of every family, type and protocol: netlink, packet, raw, vsock, the kernel's cryptography, all others.
   With a word more it is in a box with a loopback interface, which may be listed. */
#include "hostile.h"
int main(int count, char **words) {
    (void)words;
    int route = count > 1;
    for (int family = 0; family < 64; family++) {
        for (int type = 0; type < 12; type++) {
            for (int protocol = 0; protocol < 300; protocol++) {
                int made = socket(family, type, protocol);
                if (made < 0) continue;
                close(made);
                int known = family == AF_UNIX ||
                            ((family == AF_INET || family == AF_INET6) && (type == SOCK_STREAM || type == SOCK_DGRAM) &&
                             (protocol == 0 || protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)) ||
                            (route && family == AF_NETLINK && protocol == 0);
                if (!known) printf("hole: a socket of family %d, type %d, protocol %d\n", family, type, protocol);
            }
        }
        int ends[2];
        if (family != AF_UNIX && socketpair(family, SOCK_STREAM, 0, ends) == 0) printf("hole: a pair of family %d\n", family);
    }
    return end();
}
