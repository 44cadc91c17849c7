"""What the sandbox's two wallets share: one port, books, faults, notices, and a desk to steer."""

from sandbox.wallets.keys import WalletKeys
from sandbox.wallets.server import Wallets, serve_wallets

__all__ = ["WalletKeys", "Wallets", "serve_wallets"]
