# Homebrew's formula: brew install --HEAD --formula tools/vx86.rb, in a clone of the repository. Written from Homebrew's
# documentation, not tried on macOS.
class Vx86 < Formula
  desc "PC emulator by binary translation, in an ordinary user process"
  license "MIT"
  head "file://#{File.expand_path("..", __dir__)}", using: :git, branch: "main"

  depends_on "capstone" => :build
  depends_on "cmake" => :build
  depends_on "nasm" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "qemu" => :build # for SeaBIOS, which becomes part of the program
  depends_on "libpng"
  depends_on "zydis"

  def install
    system "cmake", "-S", ".", "-B", "build/brew", "-G", "Ninja", "-DVX_TESTS=OFF", *std_cmake_args
    system "cmake", "--build", "build/brew"
    system "cmake", "--install", "build/brew"
  end

  test do
    assert_match "firmware: SeaBIOS", shell_output("#{bin}/vx86 --version")
  end
end
