/* Opens as much as it can, and hides more in messages that nobody receives. */
#include "hostile.h"
static int sent(int socket, int file) {
    char space[CMSG_SPACE(sizeof file)] = {0};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof file);
    memcpy(CMSG_DATA(control), &file, sizeof file);
    return sendmsg(socket, &message, MSG_DONTWAIT) == 1;
}
int main(void) {
    int ends[2], hidden = 0, open_now = 0;
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    while (hidden < 100000 && sent(ends[0], 0)) hidden++;
    while (dup(0) >= 0) open_now++;
    /* 64 may be open, 7 were; as many again may be on their way, and a few. */
    if (open_now != 57 || hidden > 80) printf("hole: %d open, %d hidden\n", open_now, hidden);
    return end();
}
