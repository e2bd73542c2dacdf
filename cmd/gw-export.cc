// gw-export(1): writes the mail of a mailbox as files, with a manifest. export/job.h does the work.
#include <CLI/CLI.hpp>

#include "export/job.h"

int main(int argc, char** argv) {
  using namespace gw;
  cli::Program program("gw-export", "Export the mail of a mailbox as files, byte for byte");
  cmd::ExportJob job(program);
  job.declare(program.options());
  return program.run(argc, argv, [&] { return job.run(); });
}
