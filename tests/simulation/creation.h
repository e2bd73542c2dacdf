// A simulated host on which a vault is created, again and again until that succeeds, as `gw-store init`
// does it.
#pragma once

#include <string>
#include <vector>

#include "host.h"
#include "vault/new_vault.h"

namespace gw::simulation {

class Creation : public Host {
 public:
  Creation(const std::string& base, std::uint64_t seed, Plant plant);
  void run(const Step& step) override;
  void finish() override;

 private:
  // How the last attempt to create the vault has ended.
  enum class Attempt : unsigned char {
    Absent,   // there can be no vault
    Unknown,  // a crash came before the answer
    Made,     // it was answered that the vault is there
  };

  void attempt();
  void check_vault();
  void deliver();
  // Restarts the host if it has crashed, and checks which of the states the directory can be in.
  void look();
  void begin();

  vault::NewVault wanted_;
  Attempt state_ = Attempt::Absent;
  std::vector<MessageId> acknowledged_;
  std::uint64_t next_id_ = 0;
};

}  // namespace gw::simulation
