"""The commands of `pharos`, one file each; `pharos.cli` lists them."""
