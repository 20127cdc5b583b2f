/*
 * A ClickHouse server made of libchdb: clickhouse-local that listens on the server's ports.
 *
 * The first process stands for init: it passes a request to stop on to the server and ends when the server has ended. (libchdb sets
 * signal handlers of its own, and process 1 of a container ignores whatever it has no handler for.)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* libchdb exports its command line (argc, argv), but no header for it. */
extern void *chdb_query_cmdline(int argc, char **argv);

static volatile pid_t server;

static void stop(int signal_number) {
  (void)signal_number;
  kill(server, SIGKILL);
}

/* Opens the ports of the configuration, then keeps the process alive. */
static char *const query =
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sleepEachRow(3) FROM numbers(1000000000)"
    " SETTINGS function_sleep_max_microseconds_per_block = 0, max_execution_time = 0 FORMAT Null";

static int serve(void) {
  char *arguments[] = {"clickhouse-local", "--config-file", "/etc/clickhouse-server/config.xml", "--query", query, NULL};
  chdb_query_cmdline(5, arguments);
  fprintf(stderr, "The server has ended.\n");
  return 1;
}

int main(void) {
  server = fork();
  if (server < 0) {
    perror("fork");
    return 1;
  }
  if (server == 0) return serve();
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  for (;;) {
    int status;
    pid_t ended = wait(&status);
    if (ended == server) return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  }
}
