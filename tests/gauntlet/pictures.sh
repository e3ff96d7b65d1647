#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pictures and sound: ImageMagick, ffmpeg, the WebP tools.
. "$(dirname "$0")/lib.sh"

export PATH=/usr/bin:/bin # not somebody's own convert
need_program convert ffmpeg cwebp
case $(convert -version 2>/dev/null) in *ImageMagick*) ;; *) skip "ImageMagick is not installed" ;; esac
quiet convert -- bash -c 'convert -size 200x100 gradient:red-blue a.png && for f in jpg gif webp tiff bmp pdf; do convert a.png -resize 50% b.$f || true; done; for f in jpg gif webp tiff bmp; do identify -format "%m %w %h\n" b.$f; done; convert a.png -rotate 90 -blur 0x2 -fill white -draw "rectangle 1,1 5,5" c.png && identify -format "%w\n" c.png'
quiet ffmpeg --any-stderr -- bash -c 'ffmpeg -loglevel error -nostdin -f lavfi -i testsrc=duration=1:size=160x120:rate=10 -f lavfi -i sine=duration=1 -c:v mpeg4 -c:a aac -shortest -y a.mp4 && ffmpeg -loglevel error -nostdin -i a.mp4 -vf scale=80:60 -c:v libvpx -an -y b.webm && ffprobe -v error -show_entries stream=codec_name,width -of csv=p=0 b.webm && ffmpeg -loglevel error -nostdin -i a.mp4 -frames:v 3 f%d.png && ls f*.png'
quiet webp --any-stderr -- bash -c 'printf "P6\n4 4\n255\n%048d" 0 >a.ppm && cwebp -quiet a.ppm -o a.webp && dwebp -quiet a.webp -ppm -o b.ppm && cmp -n 11 a.ppm b.ppm && echo same'
