// gw-export(1): writes the mail of a mailbox as files, with a manifest, or hands it over to another
// server. export/job.h and export/push.h do the work.
#include <CLI/CLI.hpp>

#include "export/job.h"
#include "export/push.h"
#include "push/target.h"

int main(int argc, char** argv) {
  using namespace gw;
  cli::Program program("gw-export", "Export the mail of a mailbox, byte for byte");
  cmd::Options options;
  options.declare(program.options());
  return program.run(argc, argv, [&] {
    if (push::is_url(options.to)) return cmd::PushJob(program, options).run();
    return cmd::ExportJob(program, options).run();
  });
}
