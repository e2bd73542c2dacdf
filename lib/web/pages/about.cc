// The page on this installation: versions, the vault's id, and how its signatures are checked.
#include "base/version.h"
#include "web/pages/pages.h"
#include "web/ui/layout.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

Html checkpoint_key(const Context& context, const std::string& key) {
  if (key.empty()) return {};
  const Words& w = context.w;
  return section(w("about.checkpoint"),
                 tag("p", {}, w("about.checkpoint.help")) + copyable_block(context, key));
}

Response show_about(Context& context, const Request& request) {
  const Words& w = context.w;
  const ConsoleOptions& options = context.console().options();
  const auto health = context.store().health();
  if (!health) return failed(context, request, health.error());
  // The size and root of the vault's history, which users compare with a checkpoint that they keep
  // elsewhere.
  const auto head = context.store().history_head({});
  if (!head) return failed(context, request, head.error());
  std::vector<std::pair<Html, Html>> all{
      {w("about.version"), escaped(version())},
      {w("about.host"), escaped(options.host)},
      {w("about.vault"), copyable(context, health->vault.hex())},
  };
  // Paths of the host are only for those who administer it.
  if (context.may(vault::Role::Administrator) && context.account().is_unrestricted())
    all.emplace_back(w("about.folder"), tag("code", {}, escaped(options.vault)));
  all.emplace_back(w("about.history"), w.counted("about.leaves.one", "about.leaves.many", head->size));
  all.emplace_back(w("about.root"), copyable(context, to_hex(head->root)));
  PageParts parts;
  parts.title = w("nav.about");
  parts.section = "/about";
  parts.content =
      section(w("about.installation"), facts(all)) + checkpoint_key(context, health->verifier) +
      section(w("about.manuals"), tag("p", {}, w("about.manuals.help")) +
                                      copyable_block(context, "man gw\nman gw-webd\nman gw-vault"));
  return page(context, request, parts);
}

}  // namespace

void add_about_pages(Routes& routes) {
  routes.push_back({"GET", "/about", Access::Viewer, show_about});
}

}  // namespace gw::web
