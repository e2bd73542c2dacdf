// Lists of addresses from which large providers send, by name: `mailbox set --allow microsoft365`.
// The mailbox stores the blocks and not the name, so a newer list takes effect only when it is set
// again.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace gw::vault {

struct SenderList {
  std::string_view name;
  std::string_view date;  // date of the provider's list, `2022-07-28`
  std::span<const std::string_view> blocks;
};

// Returns all lists.
std::span<const SenderList> sender_lists();
// Returns the list with this name; null if there is none.
const SenderList* find_sender_list(std::string_view name);

}  // namespace gw::vault
