# RubyGems' own order. Reads lines of two versions with a tab between them, writes <, = or >, or ! for what it refuses.
require 'rubygems'

STDIN.each_line do |line|
  a, b = line.chomp.split("\t", -1)
  begin
    puts(['<', '=', '>'][(Gem::Version.new(a) <=> Gem::Version.new(b)) + 1])
  rescue ArgumentError
    puts '!'
  end
end
