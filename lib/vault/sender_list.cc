#include "vault/sender_list.h"

#include <algorithm>
#include <array>

namespace gw::vault {
namespace {

// "Office 365 URLs and IP address ranges", worldwide endpoints version 2022072800, Exchange Online,
// row 10: *.mail.protection.outlook.com, TCP port 25
// (github.com/MicrosoftDocs/microsoft-365-docs,
// microsoft-365/includes/office-365-worldwide-endpoints.md).
constexpr std::array<std::string_view, 6> kMicrosoft365{"40.92.0.0/15",       "40.107.0.0/16",
                                                        "52.100.0.0/14",      "104.47.0.0/17",
                                                        "2a01:111:f400::/48", "2a01:111:f403::/48"};

constexpr std::array<SenderList, 1> kLists{SenderList{"microsoft365", "2022-07-28", kMicrosoft365}};

}  // namespace

std::span<const SenderList> sender_lists() {
  return kLists;
}

const SenderList* find_sender_list(std::string_view name) {
  const auto found = std::ranges::find(kLists, name, &SenderList::name);
  return found == kLists.end() ? nullptr : &*found;
}

}  // namespace gw::vault
