#include <pthread.h>
static int counter_shared;
static void counter_add(int by) { counter_shared += by; }
static void *worker_run(void *unused) { counter_add(1); return unused; }
int main(void) {
  pthread_t one;
  pthread_create(&one, 0, worker_run, 0);
  counter_add(2);
  pthread_join(one, 0);
  return 0;
}
